//! Node.js binding of Quorlock (empty until its issue).
