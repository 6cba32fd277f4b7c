"""Every HTML page: templates, the style sheet they share, and what renders them."""
