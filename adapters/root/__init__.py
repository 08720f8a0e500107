"""ROOT files of events, through uproot."""
