// What the driver says, in the words of tests/scenarios/DRIVER.md.

export const errorOf = (error) => ({
  code: error.code === 'ABORT_ERR' ? 'QUORLOCK_CANCELLED' : error.code,
  field: error.field,
  resource: error.resource,
  operation: error.operation,
  attempts: error.attempts,
  message: error.message,
  outcomes: error.outcomes.map(({ node, status, fault }) => ({ node, status, fault })),
})

export const guardOf = (guard) => ({
  resource: guard.resource,
  fencing_token: guard.fencingToken,
  remaining_ms: Math.floor(guard.remainingMs),
  is_adopted: guard.isAdopted,
})

export const ticketOf = (ticket) => ({
  id: ticket.id,
  resource: ticket.resource,
  ttl_ms: ticket.ttlMs,
  fencing_token: ticket.fencingToken,
})

export const inspectionOf = ({ holder, quorum, nodes }) => ({
  holder,
  quorum,
  nodes: nodes.map((view) => ({
    node: view.node,
    owner: view.owner,
    remaining_ms: view.remainingMs === null ? null : Math.floor(view.remainingMs),
    fencing_counter: view.fencingCounter,
    waiters: view.waiters,
    fault: view.fault?.class ?? null,
  })),
})

export const healthOf = ({ hasQuorum, quorum, nodes, warnings }) => ({
  has_quorum: hasQuorum,
  quorum,
  nodes: nodes.map(({ node, fault }) => ({ node, fault: fault?.class ?? null })),
  warnings,
})

export const statsOf = (stats) => ({
  acquired: stats.acquired,
  contended: stats.contended,
  failed: stats.failed,
  renewed: stats.renewed,
  lost: stats.lost,
  released: stats.released,
  detached: stats.detached,
  adopted: stats.adopted,
})
