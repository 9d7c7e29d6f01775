//! The engine alone.

mod seams;
