/** One real server, a child of this process. */
export interface Server {
  readonly port: number
  readonly pid: number
  readonly url: string
  /** Keeps the server from answering. */
  pause(): void
  /** Lets a paused server go on. */
  resume(): void
  /** Ends the server, and resolves when it is gone. */
  stop(): Promise<void>
}

/** Starts `count` Valkey servers on loopback; they end with this process at the latest. */
export function startServers(count: 1): Promise<[Server]>
export function startServers(count: number): Promise<Server[]>
