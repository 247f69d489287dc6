//! The right to a lock, as text that travels inside a job.

use std::fmt;
use std::time::Duration;

use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::config::token::random_hex;
use crate::config::{Entropy, FencingToken, Keys, Mode, OwnerToken, PERMITS_MAX, Ttl};
use crate::error::{Error, Result};

/// How the text of a mutex's ticket begins: format and version.
const MARK: &str = "qlt1";
/// How the text of every other ticket begins; it says what it is for.
const KINDS_MARK: &str = "qlt2";

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
    pub(crate) kind: TicketKind,
    pub(crate) token: OwnerToken,
    pub(crate) ttl: Ttl,
    pub(crate) fence: Option<FencingToken>,
}

/// What a ticket is for.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum TicketKind {
    /// A mutex.
    Mutex,
    /// Several resources held as one.
    Multi(Vec<String>),
    /// Slots of a semaphore with this limit.
    Semaphore(u32, Vec<u32>),
    /// A read/write lock, held in this mode.
    RwLock(Mode),
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
            kind: if keys.is_pool() {
                TicketKind::Semaphore(keys.limit(), keys.slots().to_vec())
            } else if keys.is_several() {
                let names = keys.parts().iter().map(|part| part.name().to_owned());
                TicketKind::Multi(names.collect())
            } else {
                TicketKind::Mutex
            },
            token: token.clone(),
            ttl,
            fence,
        }
    }

    /// The same for a lease that holds a read/write lock in `mode`.
    pub(crate) fn in_mode(self, mode: Option<Mode>) -> Self {
        Ticket {
            kind: mode.map_or(self.kind, TicketKind::RwLock),
            ..self
        }
    }

    /// How a read/write lock is held; `None` where it is another lock's.
    pub(crate) fn mode(&self) -> Option<Mode> {
        match self.kind {
            TicketKind::RwLock(mode) => Some(mode),
            _ => None,
        }
    }

    /// The keys behind `prefix` that it is for.
    pub(crate) fn keys(&self, prefix: &str) -> Result<Keys> {
        match &self.kind {
            TicketKind::Mutex => Keys::new(prefix, &self.name),
            TicketKind::RwLock(_) => Keys::shared(prefix, &self.name),
            TicketKind::Multi(names) => Keys::several(prefix, names),
            TicketKind::Semaphore(limit, slots) => {
                let wanted = u32::try_from(slots.len()).unwrap_or(u32::MAX);
                Ok(Keys::pool(prefix, &self.name, *limit, wanted)?.with_slots(slots))
            }
        }
    }

    /// The resource this ticket is for; of several, all of them.
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
    /// `qlt1:<id>:<ttl_ms>:<fence or 0>:<token>:<name>:<checksum>` for a mutex, and with
    /// `<kind>:<names or name>:<numbers>` in place of the name for everything else; percent-encoded
    /// fields.
    pub fn encode(&self) -> String {
        let encoded = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let (mark, what) = match &self.kind {
            TicketKind::Mutex => (MARK, encoded(&self.name)),
            TicketKind::RwLock(mode) => {
                let what = format!("rwlock:{}:{}", encoded(&self.name), mode.name());
                (KINDS_MARK, what)
            }
            TicketKind::Multi(names) => {
                let names: Vec<String> = names.iter().map(|name| encoded(name)).collect();
                (KINDS_MARK, format!("multi:{}:", names.join(",")))
            }
            TicketKind::Semaphore(limit, slots) => {
                let numbers = [limit].into_iter().chain(slots).map(u32::to_string);
                let numbers: Vec<String> = numbers.collect();
                let numbers = numbers.join(",");
                (
                    KINDS_MARK,
                    format!("semaphore:{}:{numbers}", encoded(&self.name)),
                )
            }
        };
        let body = format!(
            "{mark}:{}:{}:{}:{}:{what}",
            self.id.0,
            self.ttl.as_millis(),
            self.fence.map_or(0, FencingToken::get),
            encoded(self.token.expose()),
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
            Some(&(MARK | KINDS_MARK)) => {}
            Some(mark) if mark.starts_with("qlt") => {
                return Err(wrong("was made by a newer version of Quorlock"));
            }
            _ => return Err(wrong("is not a Quorlock ticket")),
        }
        if sum != checksum(body) {
            return Err(wrong("is cut short or changed: its checksum does not fit"));
        }
        let [mark, id, ttl_ms, fence, token, ref what @ ..] = fields[..] else {
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
        let name_of =
            |field: &str| text_of(field).map_err(|_| wrong("has a name that is not UTF-8"));
        let (name, kind) = match (mark, what) {
            (MARK, [name]) => (name_of(name)?, TicketKind::Mutex),
            (KINDS_MARK, ["multi", names, ""]) => {
                let names = names.split(',').map(name_of).collect::<Result<Vec<_>>>()?;
                (names.join(", "), TicketKind::Multi(names))
            }
            (KINDS_MARK, ["rwlock", name, mode]) => {
                let mode = Mode::ALL.into_iter().find(|one| one.name() == *mode);
                let mode = mode.ok_or_else(|| wrong("has no valid mode"))?;
                (name_of(name)?, TicketKind::RwLock(mode))
            }
            (KINDS_MARK, ["semaphore", name, numbers]) => {
                let numbers = numbers.split(',').map(|number| number.parse::<u32>());
                let numbers = numbers.collect::<Result<Vec<_>, _>>();
                let numbers = numbers.map_err(|_| wrong("has a field that is not a number"))?;
                let kind = semaphore_of(&numbers).ok_or_else(|| wrong("has no valid slots"))?;
                (name_of(name)?, kind)
            }
            (KINDS_MARK, [kind, ..]) if !["multi", "semaphore", "rwlock"].contains(kind) => {
                return Err(wrong("was made by a newer version of Quorlock"));
            }
            _ => return Err(wrong("has the wrong number of fields")),
        };
        Ok(Ticket {
            id: TicketId(id.to_owned()),
            name,
            kind,
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

/// The limit and the slots, if they fit.
fn semaphore_of(numbers: &[u32]) -> Option<TicketKind> {
    let (&limit, slots) = numbers.split_first()?;
    let unlike = |(index, slot): (usize, &u32)| !slots[..index].contains(slot);
    let fit = slots.iter().all(|&slot| slot < limit) && slots.iter().enumerate().all(unlike);
    (fit && limit <= PERMITS_MAX && !slots.is_empty())
        .then(|| TicketKind::Semaphore(limit, slots.to_vec()))
}

/// Eight hex digits that show a ticket cut short by a queue's limits; no protection against forgery.
fn checksum(body: &str) -> String {
    sha1_smol::Sha1::from(body).hexdigest()[..8].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tickets() -> [Ticket; 4] {
        let names = vec!["in:voice/ü".to_owned(), "b,c".to_owned()];
        let multi = Ticket {
            name: names.join(", "),
            kind: TicketKind::Multi(names),
            ..ticket()
        };
        let semaphore = Ticket {
            kind: TicketKind::Semaphore(10, vec![9, 0, 3]),
            ..ticket()
        };
        let rwlock = ticket().in_mode(Some(Mode::Upgradeable));
        [ticket(), multi, semaphore, rwlock]
    }

    fn ticket() -> Ticket {
        let token = "q1.0123456789abcdef0123456789abcdef01234567.host/1/rust/a:b c";
        Ticket {
            id: TicketId("0123456789abcdef01234567".into()),
            name: "in:voice/ü".into(),
            kind: TicketKind::Mutex,
            token: OwnerToken::parse(token).expect("well formed"),
            ttl: Ttl::from_millis(30_000).expect("in bounds"),
            fence: FencingToken::new(1_795_000_000_000_000),
        }
    }

    #[test]
    fn survives_its_text() {
        for ticket in tickets() {
            let text = ticket.encode();
            assert!(text.bytes().all(|byte| byte.is_ascii_graphic()));
            assert!(Ticket::decode(&text).expect("own text") == ticket, "{text}");
        }
    }

    #[test]
    fn slots_that_do_not_fit_are_refused() {
        for numbers in ["", "3", "3,3", "3,1,1", "1001,1", "0,0", "3,-1"] {
            let text = tickets()[2].encode();
            let body = text.rsplit_once(':').expect("a checksum").0;
            let body = body.replace("10,9,0,3", numbers);
            let error = Ticket::decode(&format!("{body}:{}", checksum(&body)));
            assert_eq!(error.expect_err(numbers).field(), Some("ticket"));
        }
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
        for text in tickets().map(|ticket| ticket.encode()) {
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
}
