//! Where a node is: `redis://`, `rediss://`, `unix://` or `memory://`.

use std::fmt;

use url::Url;

use crate::error::{Error, Result};

/// One node's address and how to log in there.
#[derive(Clone, PartialEq, Eq)]
pub struct NodeAddress {
    /// Where it is.
    pub target: Target,
    /// The ACL user; servers call it `default` when absent.
    pub user: Option<String>,
    /// The password, never shown.
    pub password: Option<String>,
    /// The database number.
    pub db: u32,
}

/// The kind of place a node is at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A TCP port, with TLS or without.
    Tcp {
        /// Name or address, without brackets.
        host: String,
        /// Port, 6379 if the URL names none.
        port: u16,
        /// `rediss://`.
        tls: bool,
    },
    /// A Unix socket.
    Unix {
        /// Its path.
        path: String,
    },
    /// The embedded node of this name, in this process.
    Memory {
        /// May be empty.
        name: String,
    },
}

impl NodeAddress {
    /// Reads a node URL; `field` names it in errors, which never repeat the URL's secrets.
    pub fn parse(field: &str, text: &str) -> Result<Self> {
        let wrong = |why: &str| Error::config(field, why.to_owned());
        if text.trim() != text || text.is_empty() {
            return Err(wrong("must be a URL without spaces around it"));
        }
        if let Some(name) = text.strip_prefix("memory://") {
            if name.contains(['@', '/', '?', '#']) || name.contains(char::is_control) {
                return Err(wrong("memory:// takes a plain name only"));
            }
            let target = Target::Memory {
                name: name.to_owned(),
            };
            return Ok(NodeAddress {
                target,
                user: None,
                password: None,
                db: 0,
            });
        }
        if !text.contains("://") {
            return Err(wrong(
                "must begin with redis://, rediss://, unix:// or memory://",
            ));
        }
        let url = Url::parse(text).map_err(|error| wrong(&format!("is not a URL: {error}")))?;
        if url.fragment().is_some() {
            return Err(wrong("must not have a #fragment"));
        }
        let tls = match url.scheme() {
            "redis" | "valkey" => false,
            "rediss" | "valkeys" => true,
            "unix" => return Self::unix(field, &url),
            _ => {
                return Err(wrong(
                    "must begin with redis://, rediss://, unix:// or memory://",
                ));
            }
        };
        if url.query().is_some() {
            return Err(wrong("takes no ?options; set them on the client"));
        }
        let host = url.host_str().unwrap_or_default();
        if host.is_empty() {
            return Err(wrong("names no host"));
        }
        let host = host
            .trim_start_matches('[')
            .trim_end_matches(']')
            .to_owned();
        let port = url.port().unwrap_or(6379);
        if port == 0 {
            return Err(wrong("names port 0"));
        }
        let db = match url.path().trim_start_matches('/') {
            "" => 0,
            text => text
                .parse()
                .map_err(|_| wrong("the path must be a database number"))?,
        };
        let host = decode(field, &host)?;
        if host.contains(char::is_control) {
            return Err(wrong("names a host with control characters"));
        }
        let target = Target::Tcp { host, port, tls };
        Ok(NodeAddress {
            target,
            user: user(field, &url)?,
            password: password(field, &url)?,
            db,
        })
    }

    fn unix(field: &str, url: &Url) -> Result<Self> {
        let wrong = |why: &str| Error::config(field, why.to_owned());
        if url.host_str().is_some_and(|host| !host.is_empty()) {
            return Err(wrong("must be unix:///path: three slashes before the path"));
        }
        let path = decode(field, url.path())?;
        if path.len() < 2 {
            return Err(wrong("names no socket path"));
        }
        // Such a URL has no host, and without a host no place for a login before it.
        let (mut user, mut password, mut db) = (None, None, 0);
        let options = url.query().unwrap_or_default();
        for option in options.split('&').filter(|option| !option.is_empty()) {
            let (key, value) = option.split_once('=').unwrap_or((option, ""));
            let value = decode(field, value)?;
            match key {
                "db" => db = value.parse().map_err(|_| wrong("db must be a number"))?,
                "user" => user = Some(value),
                "password" => password = Some(value),
                _ => return Err(wrong("takes no options but db, user and password")),
            }
        }
        let target = Target::Unix { path };
        Ok(NodeAddress {
            target,
            user,
            password,
            db,
        })
    }
}

fn user(field: &str, url: &Url) -> Result<Option<String>> {
    if url.username().is_empty() {
        Ok(None)
    } else {
        decode(field, url.username()).map(Some)
    }
}

fn password(field: &str, url: &Url) -> Result<Option<String>> {
    url.password()
        .map(|password| decode(field, password))
        .transpose()
}

fn decode(field: &str, text: &str) -> Result<String> {
    let decoded = percent_encoding::percent_decode_str(text).decode_utf8();
    decoded
        .map(|text| text.into_owned())
        .map_err(|_| Error::config(field, "is not UTF-8 once decoded"))
}

/// The address without user and password: what errors, events and `inspect` call the node.
impl fmt::Display for NodeAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.target {
            Target::Tcp { host, port, tls } => {
                let scheme = if *tls { "rediss" } else { "redis" };
                if host.contains(':') {
                    write!(f, "{scheme}://[{host}]:{port}")?;
                } else {
                    write!(f, "{scheme}://{host}:{port}")?;
                }
                if self.db != 0 {
                    write!(f, "/{}", self.db)
                } else {
                    Ok(())
                }
            }
            Target::Unix { path } if self.db != 0 => write!(f, "unix://{path}?db={}", self.db),
            Target::Unix { path } => write!(f, "unix://{path}"),
            Target::Memory { name } => write!(f, "memory://{name}"),
        }
    }
}

impl fmt::Debug for NodeAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NodeAddress({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_every_scheme() {
        let cases = [
            ("redis://h", "redis://h:6379"),
            ("redis://u:p%40@h:7000/3", "redis://h:7000/3"),
            ("rediss://:secret@[::1]:7001", "rediss://[::1]:7001"),
            (
                "unix:///run/valkey.sock?db=2",
                "unix:///run/valkey.sock?db=2",
            ),
            ("memory://", "memory://"),
            ("memory://a", "memory://a"),
        ];
        for (text, shown) in cases {
            let address = NodeAddress::parse("nodes[0]", text).expect(text);
            assert_eq!(address.to_string(), shown);
        }
        let address = NodeAddress::parse("nodes[0]", "redis://u:p%40@h").expect("valid");
        assert_eq!(
            (address.user.as_deref(), address.password.as_deref()),
            (Some("u"), Some("p@"))
        );
        let text = "unix:///run/s.sock?user=u&password=p%26+%40&db=1";
        let address = NodeAddress::parse("nodes[0]", text).expect("valid");
        assert_eq!(
            (address.user.as_deref(), address.password.as_deref()),
            (Some("u"), Some("p&+@"))
        );
        assert_eq!(address.to_string(), "unix:///run/s.sock?db=1");
    }

    #[test]
    fn refuses_what_it_cannot_use_without_repeating_secrets() {
        let cases = [
            "",
            " redis://h",
            "h:6379",
            "http://u:hunter2@h",
            "redis://",
            "redis://:hunter2@",
            "redis://h:0",
            "redis://h:99999",
            "redis://u:hunter2@h/x",
            "redis://h?db=1",
            "redis://h#f",
            "unix://h/p",
            "unix://",
            "unix://u:hunter2@/run/s.sock",
            "unix:///run/s.sock?secret=hunter2",
            "unix:///run/s.sock?db=hunter2",
            "redis://ho%0Ast",
            "memory://a\nb",
            "memory://a/b",
            "rediss:h",
        ];
        for text in cases {
            let error = NodeAddress::parse("nodes[3]", text).expect_err(text);
            assert_eq!(error.field(), Some("nodes[3]"));
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
    }
}
