"""Events in memory: the run's information and batches of events, columnar and ragged."""
