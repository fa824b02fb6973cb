// What a screen reader is told by itself. A sentence that moves with a busy ledger would never let it
// come to its end: so it is told soon when the reader has chosen something, and else now and then.

const soon = 700; // ms: a slider has come to rest
const seldom = 10_000;
const gone = 3_000; // then it is taken away, so that whoever reads on finds the sentence once

export class Teller {
  private told = { of: "", state: "", sentence: "" };
  private now = { of: "", state: "", sentence: "" };
  private timer = 0;
  private waits = ""; // what was chosen when the timer was set

  constructor(private readonly say: (text: string) => void) {}

  /** Takes what the page shows now: what was chosen, how the ledger is, and the sentence. */
  hear(of: string, state: string, sentence: string) {
    this.now = { of, state, sentence };
    if (sentence === "" || (state === this.told.state && sentence === this.told.sentence)) return;
    if (this.timer && of === this.waits) return;
    window.clearTimeout(this.timer);
    this.waits = of;
    this.timer = window.setTimeout(() => this.tell(), of === this.told.of ? seldom : soon);
  }

  private tell() {
    const { now, told } = this;
    this.timer = 0;
    this.told = now;
    const text = [now.state === told.state ? "" : `${now.state}.`, now.sentence === told.sentence ? "" : now.sentence].join(" ").replace(/\s+/g, " ").trim();
    if (text === "") return; // it was so only for a moment
    this.say(text);
    window.setTimeout(() => { if (this.told === now) this.say(""); }, gone);
  }
}
