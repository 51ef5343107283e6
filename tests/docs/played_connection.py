"""What stands in for socket.io-client where an example listens to a job, and what the listener then has to do.

It plays a connection with a gap, a repetition, a late event, another job and a lost connection.
"""

from __future__ import annotations

from pathlib import Path

CLIENT = """
const kept = [1, 2, 3, 4].map((seq) => ({ event: "training_update", data: { job_id: "j", seq } }));
kept.push({ event: "training_complete", data: { job_id: "j", seq: 5 } });
export function io() {
  const handlers = {};
  const live = (seq, job_id = "j") => handlers.training_update({ job_id, seq });
  let asked = 0;
  setTimeout(() => {
    handlers.connect();
    live(1), live(3, "another"), live(4), live(4), live(2);
    handlers.connect();
  });
  return {
    on: (name, handler) => { handlers[name] = handler; },
    emit: (name, { job_id, after }, answer) => {
      console.log(`${name} ${job_id} after ${after}`);
      answer({ events: kept.slice(after, (asked += 2)), last_seq: asked });
    },
    disconnect: () => console.log("disconnected"),
  };
}
"""

#: What a right listener to job j makes it print, up to the end of the job.
HEARD = [
    "subscribe j after 0",
    "training_update 1",
    "training_update 2",
    "subscribe j after 2",
    "training_update 3",
    "training_update 4",
    "subscribe j after 4",
]


def install(folder: Path) -> None:
    """Put it where node looks for the package socket.io-client."""
    package = folder / "node_modules" / "socket.io-client"
    package.mkdir(parents=True)
    (package / "package.json").write_text('{"type": "module", "exports": "./index.js"}')
    (package / "index.js").write_text(CLIENT)
