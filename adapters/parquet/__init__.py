"""Parquet files of events, through pyarrow, an optional dependency."""
