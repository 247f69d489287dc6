//! `quorlock admit`: let a node vote before its time.

use crate::arguments::Admit;
use crate::exit;
use crate::failure::Failure;
use crate::output;

/// Admits it; every client counts its answers from then on.
pub(crate) async fn run(arguments: Admit) -> Result<u8, Failure> {
    let client = arguments.nodes.connect(|builder| builder)?;
    client.admit(&arguments.node).await?;
    output::write(&format!("{} votes\n", arguments.node))?;
    Ok(exit::OK)
}
