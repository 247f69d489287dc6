//! What is delivered to JavaScript, and how it becomes JavaScript values on the environment's thread.

use napi::bindgen_prelude::{ToNapiValue, TypeName};
use napi::{Result, ValueType, sys};
use quorlock::{Error, Event, Guard, Health, Inspection, Loss, Released, Ticket};

use crate::failure::Failure;
use crate::guard::NativeGuard;
use crate::report::{EventReport, HealthReport, InspectionReport, ReleaseReport};
use crate::ticket::TicketReport;

/// What a call came to, or what happened to something that JavaScript listens to.
pub(crate) enum Answer {
    Nothing,
    Yes(bool),
    Guard(Guard),
    Released(Released),
    Ticket(Ticket),
    Inspection(Inspection),
    Health(Health),
    Label(Option<String>),
    Event(Event),
    Loss(Loss),
    Failed(Box<Failure>),
}

impl Answer {
    /// A lock that may not have been had.
    pub(crate) fn maybe(guard: Option<Guard>) -> Self {
        guard.map_or(Answer::Nothing, Answer::Guard)
    }

    pub(crate) fn failed(error: Error) -> Self {
        Answer::Failed(Box::new(Failure::from(&error)))
    }
}

/// An answer and whom it is for.
pub(crate) struct Delivery {
    word: Word,
    id: i64,
    answer: Answer,
}

/// What kind of delivery it is; the numbers are known to `ts/bridge.ts`.
#[derive(Clone, Copy)]
enum Word {
    Done = 0,
    Failed = 1,
    News = 2,
}

impl Delivery {
    /// The answer to the call `id`.
    pub(crate) fn call(id: i64, answer: Answer) -> Self {
        let word = match answer {
            Answer::Failed(_) => Word::Failed,
            _ => Word::Done,
        };
        Delivery { word, id, answer }
    }

    /// News for the listener `id`; numbers of calls and listeners come from one count.
    pub(crate) fn news(id: i64, answer: Answer) -> Self {
        Delivery {
            word: Word::News,
            id,
            answer,
        }
    }

    pub(crate) fn id(&self) -> i64 {
        self.id
    }
}

/// Deliveries on their way into one call of the dispatcher.
pub struct Answers(pub(crate) Vec<Delivery>);

impl TypeName for Answers {
    fn type_name() -> &'static str {
        "unknown[]"
    }

    fn value_type() -> ValueType {
        ValueType::Object
    }
}

impl ToNapiValue for Answers {
    unsafe fn to_napi_value(env: sys::napi_env, answers: Self) -> Result<sys::napi_value> {
        let mut flat = Vec::with_capacity(answers.0.len() * 3);
        for Delivery { word, id, answer } in answers.0 {
            // SAFETY: `env` is the environment whose thread we are on, as the caller promises.
            unsafe {
                flat.push(ToNapiValue::to_napi_value(env, word as u32)?);
                flat.push(ToNapiValue::to_napi_value(env, id)?);
                flat.push(ToNapiValue::to_napi_value(env, answer)?);
            }
        }
        // SAFETY: as above; the values belong to the scope of this callback.
        unsafe { ToNapiValue::to_napi_value(env, flat.into_iter().map(Raw).collect::<Vec<_>>()) }
    }
}

/// A value made already.
struct Raw(sys::napi_value);

impl ToNapiValue for Raw {
    unsafe fn to_napi_value(_: sys::napi_env, value: Self) -> Result<sys::napi_value> {
        Ok(value.0)
    }
}

impl ToNapiValue for Answer {
    unsafe fn to_napi_value(env: sys::napi_env, answer: Self) -> Result<sys::napi_value> {
        // SAFETY: `env` is the environment whose thread we are on, as the caller promises.
        unsafe {
            match answer {
                Answer::Nothing => ToNapiValue::to_napi_value(env, ()),
                Answer::Yes(yes) => ToNapiValue::to_napi_value(env, yes),
                Answer::Guard(guard) => ToNapiValue::to_napi_value(env, NativeGuard::new(guard)),
                Answer::Released(released) => {
                    ToNapiValue::to_napi_value(env, ReleaseReport::from(&released))
                }
                Answer::Ticket(ticket) => {
                    ToNapiValue::to_napi_value(env, TicketReport::from(&ticket))
                }
                Answer::Inspection(seen) => {
                    ToNapiValue::to_napi_value(env, InspectionReport::from(seen))
                }
                Answer::Health(health) => {
                    ToNapiValue::to_napi_value(env, HealthReport::from(health))
                }
                Answer::Label(label) => ToNapiValue::to_napi_value(env, label),
                Answer::Event(event) => ToNapiValue::to_napi_value(env, EventReport::from(event)),
                Answer::Loss(loss) => ToNapiValue::to_napi_value(env, loss.name()),
                Answer::Failed(failure) => ToNapiValue::to_napi_value(env, *failure),
            }
        }
    }
}
