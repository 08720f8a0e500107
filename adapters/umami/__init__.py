"""Matrix elements of any library behind UMAMI, the C interface of generators; read by ctypes."""
