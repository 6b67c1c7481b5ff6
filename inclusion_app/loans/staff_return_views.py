"""Return: the same list backwards, and the quick one by scanning."""
