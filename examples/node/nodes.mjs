/** The servers named in QUORLOCK_NODES, or an embedded node that needs no server. */
export const nodes = (process.env.QUORLOCK_NODES ?? 'memory://examples').split(',')
