//! The one error table: kind, frozen number, code, whether a retry can help.

/// Declares [`ErrorKind`] and everything derived from a row of the table.
macro_rules! error_table {
    ($( $(#[$doc:meta])* $kind:ident = $number:literal, $code:literal, $retryable:literal; )*) => {
        /// What went wrong, as one row of the error table shared by all languages.
        ///
        /// Numbers are frozen: a retired number is never used again.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum ErrorKind { $( $(#[$doc])* $kind, )* }

        impl ErrorKind {
            /// Every row of the table, in order.
            pub const ALL: &'static [ErrorKind] = &[ $( ErrorKind::$kind, )* ];

            /// The frozen number, negative, as the C binding returns it.
            pub const fn number(self) -> i32 {
                match self { $( ErrorKind::$kind => $number, )* }
            }

            /// The stable code string, such as `QUORLOCK_TIMEOUT`.
            pub const fn code(self) -> &'static str {
                match self { $( ErrorKind::$kind => $code, )* }
            }

            /// The row's name, such as `QuorumUnavailable`.
            pub const fn name(self) -> &'static str {
                match self { $( ErrorKind::$kind => stringify!($kind), )* }
            }

            /// True where the same call, made again later, can succeed with nothing else changed.
            pub const fn is_retryable(self) -> bool {
                match self { $( ErrorKind::$kind => $retryable, )* }
            }
        }
    };
}

error_table! {
    /// Somebody else holds the lock and the caller did not want to wait.
    Contended = -1, "QUORLOCK_CONTENDED", true;
    /// The wait ended before the lock became free.
    Timeout = -2, "QUORLOCK_TIMEOUT", true;
    /// Too few nodes answered, so nobody can tell who holds the lock.
    QuorumUnavailable = -3, "QUORLOCK_QUORUM_UNAVAILABLE", true;
    /// The lease ended while it was in use.
    LeaseLost = -4, "QUORLOCK_LEASE_LOST", false;
    /// The caller does not hold what it wants to change: released, handed over, or a dead ticket.
    NotHeld = -5, "QUORLOCK_NOT_HELD", false;
    /// The caller gave up.
    Cancelled = -6, "QUORLOCK_CANCELLED", true;
    /// An argument is outside its bounds; nothing was sent.
    InvalidArgument = -10, "QUORLOCK_INVALID_ARGUMENT", false;
    /// The client's configuration is wrong, or the servers contradict it.
    Config = -11, "QUORLOCK_INVALID_CONFIG", false;
    /// The client was closed.
    Closed = -12, "QUORLOCK_CLOSED", false;
    /// The object belongs to the parent of this forked process.
    Forked = -13, "QUORLOCK_FORKED", false;
    /// A server broke the protocol.
    Protocol = -20, "QUORLOCK_PROTOCOL", true;
    /// A bug in Quorlock.
    Internal = -99, "QUORLOCK_INTERNAL", false;
}
