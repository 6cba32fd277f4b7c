"""Pages for people: home, report, vehicles. They show what the forecast wrote, and ask models for more."""
