"""The clean gate: wipes with their evidence, safety checks, one report for many units, the certificate."""
