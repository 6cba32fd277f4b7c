"""What may be asked of a model, and what is answered: forms, descriptions, documents."""
