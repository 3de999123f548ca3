"""Taking over repositories of other tools."""
