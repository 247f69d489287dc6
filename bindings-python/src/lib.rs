//! Python binding of Quorlock (empty until its issue).
