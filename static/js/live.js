/**
 * The live connection, and the only module that knows Socket.IO. It tells its owner when a connection stands
 * (then everything is read again), hands on the events of training, and asks for missed ones. While no
 * socket can be had it polls over plain HTTP every few seconds, so the page goes on without it.
 */

import { io } from "socket.io-client";

const EVENTS = [
  "training_update", "training_complete", "training_error", "training_started", "training_progress", "training_paused", "training_changed",
  "training_controlled",
];
const POLL_MS = 2_000;
const PATIENCE_MS = 2_000;
const KEEPALIVE_MS = 30_000;
const ACK_MS = 5_000;

/**
 * @param {object} owner
 * @param {() => string} owner.token
 * @param {(event: string, data: Record<string, any>) => void} owner.onEvent
 * @param {(connection: import("./store.js").Connection) => void} owner.onState
 * @param {() => Promise<boolean>} owner.resync reads everything again; whether the server answered
 * @param {(jobId: string, after: number) => Promise<{events: any[], last_seq: number}>} owner.missedByHttp
 * @param {(header: Record<string, any>, payload: ArrayBuffer) => void} owner.onFrame
 */
export function createLive({ token, onEvent, onState, resync, missedByHttp, onFrame }) {
  const socket = io({
    transports: ["websocket", "polling"],
    tryAllTransports: true,
    reconnectionDelay: 500,
    reconnectionDelayMax: 3_000,
    timeout: 8_000,
    auth: (give) => give(token() ? { token: token() } : {}),
  });
  let pollTimer = 0;
  let polling = false;

  socket.on("connect", () => {
    stopPolling();
    onState("live");
    void resync();
  });
  socket.on("disconnect", lost);
  socket.on("connect_error", lost);
  // Some networks swallow websockets without a word: do not wait for the end of the attempt.
  setTimeout(() => {
    if (!socket.connected) startPolling();
  }, PATIENCE_MS);
  for (const name of EVENTS) socket.on(name, (data) => onEvent(name, data));
  socket.on("frame", (header, payload, acknowledge) => {
    // Only when this one is taken is the next one sent: who is slow gets fewer, and always the latest.
    onFrame(header, payload);
    acknowledge?.();
  });
  setInterval(() => {
    if (socket.connected) socket.emit("keepalive", { timestamp: new Date().toISOString() });
  }, KEEPALIVE_MS);

  function lost() {
    if (pollTimer) return;
    onState("lost");
    startPolling();
  }

  function startPolling() {
    if (pollTimer) return;
    pollTimer = setInterval(poll, POLL_MS);
    void poll();
  }

  function stopPolling() {
    clearInterval(pollTimer);
    pollTimer = 0;
  }

  async function poll() {
    if (polling) return;
    polling = true;
    const answered = await resync();
    polling = false;
    if (!pollTimer) return;
    onState(answered ? "polling" : "lost");
    // A server that refused the handshake (a wrong token, shutting down) is asked again; others reconnect by themselves.
    if (answered && !socket.active) socket.connect();
  }

  return {
    /** What came after `after`, by the socket where it stands, else by HTTP. @param {string} jobId @param {number} after */
    async missed(jobId, after) {
      if (socket.connected) {
        try {
          const answer = await socket.timeout(ACK_MS).emitWithAck("subscribe", { job_id: jobId, after });
          if (Array.isArray(answer?.events)) return answer;
        } catch {
          // no acknowledgement in time: ask over HTTP
        }
      }
      return missedByHttp(jobId, after);
    },
    /** Asks something by the socket. @param {string} event @param {Record<string, any>} data @returns {Promise<any>} the acknowledgement */
    send: (event, data) => socket.timeout(ACK_MS).emitWithAck(event, data),
    /** After a new token, or when the network came back: try at once. */
    retry() {
      if (!socket.connected) socket.disconnect().connect();
    },
  };
}
