"""What vehicles earned per available day, how surely they differ from their class, and what they cost."""
