"""Channel mapping `flow`: autoregressive and coupling rational-quadratic splines on the unit cube."""
