"""What the Monday numbers are held against: last Monday's books and forecast, and the Mondays before."""
