//! Small inputs, each of which once made the program say something false, or nothing; one module a kind.

mod messages;
