//! Error replies, classed by their first word.

use crate::error::{Fault, FaultClass};

/// The fault an error reply means.
///
/// `code` is the reply's first word; `text` the rest, looked at only where the word says nothing
/// (`ERR`) and never kept, because servers echo arguments.
pub fn classify(code: &str, text: &str) -> Fault {
    use FaultClass::{
        ForeignFormat, Operator, Permission, Topology, Transient, Unknown, Unsupported,
    };
    let known = |class, word: &'static str| Fault::refused(class, word);
    match code {
        "LOADING" => known(Transient, "LOADING: the server is still reading its data"),
        "BUSY" => known(Transient, "BUSY: a script blocks the server"),
        "TRYAGAIN" => known(Transient, "TRYAGAIN"),
        "MASTERDOWN" => known(Transient, "MASTERDOWN: a replica without its primary"),
        "CLUSTERDOWN" => known(Transient, "CLUSTERDOWN"),
        "OOM" => known(Operator, "OOM: maxmemory is reached"),
        "NOREPLICAS" => known(Operator, "NOREPLICAS: too few replicas are in reach"),
        "MISCONF" => known(
            Operator,
            "MISCONF: the server cannot save to disk and refuses writes",
        ),
        "READONLY" => known(Operator, "READONLY: this is a replica"),
        "NOAUTH" => known(Permission, "NOAUTH: a password is needed"),
        "WRONGPASS" => known(Permission, "WRONGPASS: user or password is wrong"),
        "NOPERM" => known(Permission, "NOPERM: the user's rights do not suffice"),
        "MOVED" => known(Topology, "MOVED: the node is a cluster member"),
        "ASK" => known(Topology, "ASK: the node is a cluster member"),
        "CROSSSLOT" => known(Topology, "CROSSSLOT: keys of different cluster slots"),
        "WRONGTYPE" => known(ForeignFormat, "WRONGTYPE: the key holds another type"),
        "NOSCRIPT" => known(Transient, "NOSCRIPT"),
        "NOPROTO" => known(
            Unsupported,
            "NOPROTO: RESP3 is needed (Redis 6, any Valkey)",
        ),
        "ERR" => classify_plain(text),
        _ => Fault::refused(Unknown, "an error reply of an unknown kind"),
    }
}

/// `ERR` alone says nothing; these texts are stable over Redis 6 to 8 and Valkey 7 to 9.
fn classify_plain(text: &str) -> Fault {
    use FaultClass::{ForeignFormat, Operator, Permission, Transient, Unknown, Unsupported};
    let has = |part: &str| text.contains(part);
    // A script's own failure repeats the inner error behind "ERR Error running script …" (Redis 6).
    for code in [
        "OOM",
        "READONLY",
        "MISCONF",
        "NOREPLICAS",
        "WRONGTYPE",
        "NOPERM",
        "CROSSSLOT",
    ] {
        if has(&format!("-{code} ")) || has(&format!(": {code} ")) {
            return classify(code, "");
        }
    }
    if has("max number of clients reached") {
        Fault::refused(Transient, "the server has no connection left (maxclients)")
    } else if has("can't run this command or subcommand")
        || has("executing the script")
        || has("ACL failure in script")
    {
        Fault::refused(
            Permission,
            "the user may not run a command the script needs",
        )
    } else if has("invalid password") || has("invalid username-password") {
        Fault::refused(Permission, "user or password is wrong")
    } else if has("AUTH <password> called without any password configured") {
        Fault::refused(Permission, "a password was given but the server has none")
    } else if has("unknown command") {
        Fault::refused(
            Unsupported,
            "the server does not know a command that is needed",
        )
    } else if has("syntax error") {
        Fault::refused(
            Unsupported,
            "the server does not know an option that is needed",
        )
    } else if has("DB index is out of range") || has("invalid DB index") {
        Fault::refused(Permission, "the server has no database of this number")
    } else if has("command not allowed when used memory") {
        Fault::refused(Operator, "OOM: maxmemory is reached")
    } else if has("against a key holding the wrong kind of value") {
        Fault::refused(ForeignFormat, "the key holds another type")
    } else if has("Protocol error") {
        Fault::refused(
            FaultClass::Protocol,
            "the server could not read our command",
        )
    } else {
        // It is not known what the server did, so the command may have run.
        Fault::unresolved(Unknown, "ERR of an unknown kind")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reply_classes() {
        use FaultClass::*;
        let cases = [
            (
                "LOADING",
                "Redis is loading the dataset in memory",
                Transient,
            ),
            ("BUSY", "Redis is busy running a script.", Transient),
            (
                "TRYAGAIN",
                "Multiple keys request during rehashing of slot",
                Transient,
            ),
            ("MASTERDOWN", "Link with MASTER is down", Transient),
            ("CLUSTERDOWN", "The cluster is down", Transient),
            ("ERR", "max number of clients reached", Transient),
            (
                "OOM",
                "command not allowed when used memory > 'maxmemory'.",
                Operator,
            ),
            ("NOREPLICAS", "Not enough good replicas to write.", Operator),
            (
                "MISCONF",
                "Redis is configured to save RDB snapshots",
                Operator,
            ),
            (
                "READONLY",
                "You can't write against a read only replica.",
                Operator,
            ),
            (
                "ERR",
                "Error running script (call to f_1): @user_script: 5: -OOM command not allowed",
                Operator,
            ),
            ("NOAUTH", "Authentication required.", Permission),
            (
                "WRONGPASS",
                "invalid username-password pair or user is disabled.",
                Permission,
            ),
            (
                "NOPERM",
                "this user has no permissions to run the 'set' command",
                Permission,
            ),
            (
                "ERR",
                "The user executing the script can't run this command or subcommand script",
                Permission,
            ),
            (
                "ERR",
                "ACL failure in script: User u has no permissions to run the 'pexpire' command",
                Permission,
            ),
            ("MOVED", "3999 127.0.0.1:6381", Topology),
            ("ASK", "3999 127.0.0.1:6381", Topology),
            (
                "CROSSSLOT",
                "Keys in request don't hash to the same slot",
                Topology,
            ),
            (
                "WRONGTYPE",
                "Operation against a key holding the wrong kind of value",
                ForeignFormat,
            ),
            (
                "ERR",
                "unknown command 'DELIFEQ', with args beginning with: 'k' 'secret'",
                Unsupported,
            ),
            ("NOPROTO", "unsupported protocol version", Unsupported),
            ("ERR", "something new with 'secret'", Unknown),
            ("NEWWORD", "secret", Unknown),
        ];
        for (code, text, class) in cases {
            let fault = classify(code, text);
            assert_eq!(fault.class, class, "{code} {text}");
            assert!(!fault.detail.contains("secret"));
        }
    }
}
