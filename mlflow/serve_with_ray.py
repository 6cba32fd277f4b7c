"""Keep Ray Serve equal to MLflow's registry; at the first start, train what has no champion yet."""

from turo.mlflow_container.first_start import main

if __name__ == "__main__":
    main()
