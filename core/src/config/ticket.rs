//! The right to a lock, as text that travels inside a job.

use std::fmt;
use std::time::Duration;

use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::config::token::random_hex;
use crate::config::{Entropy, FencingToken, Keys, OwnerToken, Ttl};
use crate::error::{Error, Result};

/// How a ticket's text begins: format and version.
const MARK: &str = "qlt1";

/// What stands in the place of a hand-over's name where a job runs once; no such name looks like it.
const ONCE: &str = "once";

/// The name of one hand-over, which marks it as spent when its work is done. Not a secret.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TicketId(String);

impl TicketId {
    /// An id never used before.
    pub fn fresh(entropy: &dyn Entropy) -> Self {
        TicketId(random_hex(entropy)[..24].to_owned())
    }

    /// The mark of a job that runs once: the same for everybody, so that everybody finds it.
    pub fn once() -> Self {
        TicketId(ONCE.to_owned())
    }

    /// True for the mark of a job that runs once.
    pub fn is_once(&self) -> bool {
        self.0 == ONCE
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The right to take over one held lock, made by `guard.detach()` and used up by
/// `client.adopt(ticket)`.
///
/// [`Ticket::encode`] gives printable text for a job's data; whoever has it can take the lock, so
/// treat it like a password. `Debug` shows the resource and the id only.
///
/// ```
/// # use quorlock::{blocking::Client, Ticket};
/// # let client = Client::connect(["memory://ticket-doc"])?;
/// let guard = client.mutex("invoice:42").acquire(())?;
/// let text = guard.detach()?.encode();
/// let guard = client.adopt(&Ticket::decode(&text)?)?;
/// guard.release()?;
/// # Ok::<(), quorlock::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Ticket {
    pub(crate) id: TicketId,
    pub(crate) name: String,
    pub(crate) token: OwnerToken,
    pub(crate) ttl: Ttl,
    pub(crate) fence: Option<FencingToken>,
}

impl Ticket {
    /// A new ticket for a lease that is about to be handed over.
    pub(crate) fn new(
        id: TicketId,
        keys: &Keys,
        token: &OwnerToken,
        ttl: Ttl,
        fence: Option<FencingToken>,
    ) -> Self {
        Ticket {
            id,
            name: keys.name().to_owned(),
            token: token.clone(),
            ttl,
            fence,
        }
    }

    /// The resource this ticket is for.
    pub fn resource(&self) -> &str {
        &self.name
    }

    /// How long it is good for, from when it was made, until somebody adopts it.
    pub fn ttl(&self) -> Duration {
        self.ttl.as_duration()
    }

    /// The fencing token of the lease that was handed over; the adopter gets a larger one.
    pub fn fencing_token(&self) -> Option<FencingToken> {
        self.fence
    }

    /// The hand-over's id: safe to log, the same for every delivery of the ticket.
    pub fn id(&self) -> &str {
        &self.id.0
    }

    /// The ticket as printable ASCII without spaces or quotes:
    /// `qlt1:<id>:<ttl_ms>:<fence or 0>:<token>:<name>:<checksum>`, percent-encoded fields.
    pub fn encode(&self) -> String {
        let body = format!(
            "{MARK}:{}:{}:{}:{}:{}",
            self.id.0,
            self.ttl.as_millis(),
            self.fence.map_or(0, FencingToken::get),
            utf8_percent_encode(self.token.expose(), NON_ALPHANUMERIC),
            utf8_percent_encode(&self.name, NON_ALPHANUMERIC),
        );
        format!("{body}:{}", checksum(&body))
    }

    /// Reads a ticket's text; says what is wrong with it without repeating it.
    pub fn decode(text: &str) -> Result<Self> {
        let wrong = |why: &'static str| Error::invalid("ticket", why);
        let (body, sum) = text
            .rsplit_once(':')
            .ok_or_else(|| wrong("is not a Quorlock ticket"))?;
        let fields: Vec<&str> = body.split(':').collect();
        match fields.first() {
            Some(&MARK) => {}
            Some(mark) if mark.starts_with("qlt") => {
                return Err(wrong("was made by a newer version of Quorlock"));
            }
            _ => return Err(wrong("is not a Quorlock ticket")),
        }
        if sum != checksum(body) {
            return Err(wrong("is cut short or changed: its checksum does not fit"));
        }
        let [_, id, ttl_ms, fence, token, name] = fields[..] else {
            return Err(wrong("has the wrong number of fields"));
        };
        if id.len() != 24 || !id.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(wrong("has no valid id"));
        }
        let text_of = |field: &str| {
            percent_decode_str(field)
                .decode_utf8()
                .map(|text| text.into_owned())
        };
        let number = |field: &str| {
            field
                .parse::<u64>()
                .map_err(|_| wrong("has a field that is not a number"))
        };
        let token = text_of(token)
            .ok()
            .and_then(|token| OwnerToken::parse(&token));
        let fence = number(fence)?;
        Ok(Ticket {
            id: TicketId(id.to_owned()),
            name: text_of(name).map_err(|_| wrong("has a name that is not UTF-8"))?,
            token: token.ok_or_else(|| wrong("has no valid owner"))?,
            ttl: Ttl::from_millis(number(ttl_ms)?).map_err(|_| wrong("has a ttl out of bounds"))?,
            fence: if fence == 0 {
                None
            } else {
                Some(
                    FencingToken::new(fence)
                        .ok_or_else(|| wrong("has a fencing token out of bounds"))?,
                )
            },
        })
    }
}

impl fmt::Debug for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Ticket {{ resource: {:?}, id: {:?}, .. }}",
            self.name, self.id.0
        )
    }
}

/// Eight hex digits that show a ticket cut short by a queue's limits; no protection against forgery.
fn checksum(body: &str) -> String {
    sha1_smol::Sha1::from(body).hexdigest()[..8].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ticket() -> Ticket {
        let token = "q1.0123456789abcdef0123456789abcdef01234567.host/1/rust/a:b c";
        Ticket {
            id: TicketId("0123456789abcdef01234567".into()),
            name: "in:voice/ü".into(),
            token: OwnerToken::parse(token).expect("well formed"),
            ttl: Ttl::from_millis(30_000).expect("in bounds"),
            fence: FencingToken::new(1_795_000_000_000_000),
        }
    }

    #[test]
    fn survives_its_text() {
        let text = ticket().encode();
        assert!(text.bytes().all(|byte| byte.is_ascii_graphic()));
        assert!(Ticket::decode(&text).expect("own text") == ticket());
    }

    #[test]
    fn debug_holds_no_token() {
        let shown = format!("{:?}", ticket());
        assert!(
            !shown.contains("0123456789abcdef0123456789abcdef01234567"),
            "{shown}"
        );
    }

    #[test]
    fn every_cut_and_every_changed_byte_is_refused() {
        let text = ticket().encode();
        for end in 0..text.len() {
            assert!(Ticket::decode(&text[..end]).is_err(), "cut at {end}");
        }
        for index in 0..text.len() {
            let mut bytes = text.clone().into_bytes();
            bytes[index] = if bytes[index] == b'z' { b'y' } else { b'z' };
            let changed = String::from_utf8(bytes).expect("ascii");
            assert!(Ticket::decode(&changed).is_err(), "changed at {index}");
        }
    }
}
