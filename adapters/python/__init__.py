"""Python functions as processes: dσ of the unit cube, or |M|² of momenta."""
