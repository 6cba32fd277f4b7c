"""What an operator asks and does. The thin dependencies suffice: it runs in a small image as well."""
