"""The forms an input may have: canonical, take-home and Turo's export, and the files beside them."""
