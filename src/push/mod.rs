//! What is asked: plain values, no I/O.
