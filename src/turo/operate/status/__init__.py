"""`turo status`: the whole platform on one screen."""
