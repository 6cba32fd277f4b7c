"""Keep Ray Serve equal to MLflow's registry; at the first start, train what has no champion yet."""

from turo.bootstrap_models import main

if __name__ == "__main__":
    main()
