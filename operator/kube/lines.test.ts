import assert from 'node:assert/strict';
import fc from 'fast-check';
import { LineSplitter } from './lines.ts';

function split(bytes: Buffer, cuts: number[]): string[] {
  const splitter = new LineSplitter();
  const lines: string[] = [];
  let from = 0;
  for (const cut of [...cuts.map((at) => at % (bytes.length + 1)).sort((a, b) => a - b), bytes.length]) {
    lines.push(...splitter.push(bytes.subarray(from, cut)));
    from = cut;
  }
  return lines;
}

describe('LineSplitter', () => {
  it('gives the same lines wherever the stream is cut, within characters too', () => {
    const line = fc.stringMatching(/^[a-z\u00e4\u20ac\u{1F600}]{1,20}$/u);
    fc.assert(
      fc.property(fc.array(line), fc.array(fc.nat()), (lines, cuts) => {
        assert.deepEqual(split(Buffer.from(lines.map((each) => `${each}\n`).join('')), cuts), lines);
      }),
    );
  });

  it('leaves out empty lines and an unfinished last one', () => {
    assert.deepEqual(split(Buffer.from('\na\n\nb\nrest'), []), ['a', 'b']);
  });

  it('joins a line of many chunks', () => {
    const text = '{"key":"€"}'.repeat(100_000);
    const bytes = Buffer.from(`${text}\n`);
    const splitter = new LineSplitter();
    const lines: string[] = [];
    for (let at = 0; at < bytes.length; at += 1_000)
      lines.push(...splitter.push(bytes.subarray(at, at + 1_000)));
    assert.equal(lines.length, 1);
    assert.ok(lines[0] === text, 'the line came out changed');
  });
});
