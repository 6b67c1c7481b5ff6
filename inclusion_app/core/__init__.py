"""The ground: knows no room. Access, database, languages, codes, paper."""
