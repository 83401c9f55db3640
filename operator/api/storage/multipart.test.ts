import { deepEqual, equal, rejects } from 'node:assert/strict';
import fc from 'fast-check';
import { readRelated } from './multipart.ts';

async function* pieces(body: Buffer, sizes: readonly number[]) {
  for (let at = 0, i = 0; at < body.length; i++) {
    const size = sizes.length > 0 ? (sizes[i % sizes.length] as number) : body.length;
    yield body.subarray(at, at + size);
    at += size;
  }
}

function related(content: Buffer, end: string, boundary: string): Buffer {
  const head = [
    `--${boundary}`,
    'Content-Type: application/json',
    '',
    '{"name":"a"}',
    `--${boundary}`,
    'Content-Type: x/y',
    '',
    '',
  ];
  return Buffer.concat([Buffer.from(head.join(end)), content, Buffer.from(`${end}--${boundary}--${end}`)]);
}

async function read(body: Buffer, sizes: readonly number[], type: string) {
  const { metadata, content } = await readRelated(pieces(body, sizes), type);
  const chunks: Uint8Array[] = [];
  for await (const chunk of content) chunks.push(chunk);
  return { metadata: metadata.toString(), content: Buffer.concat(chunks) };
}

describe('an upload with its metadata', () => {
  const types: Record<string, { end: string; boundary: string; type: string }> = {
    'of gcloud': { end: '\n', boundary: '=====1==', type: "multipart/related; boundary='=====1=='" },
    'as RFC 2387 has it': { end: '\r\n', boundary: 'b', type: 'multipart/related; boundary="b"; type=x' },
    'with a plain boundary': { end: '\r\n', boundary: 'b-1', type: 'multipart/related;boundary=b-1' },
  };
  for (const [name, { end, boundary, type }] of Object.entries(types)) {
    it(`${name} is read, whatever is in it and however it arrives`, async () => {
      const bytes = fc.oneof(
        fc.uint8Array({ maxLength: 60 }).map((each) => Buffer.from(each)),
        fc
          .array(fc.constantFrom('\r', '\n', '-', '--', 'x', end), { maxLength: 20 })
          .map((parts) => Buffer.from(parts.join(''))),
      );
      await fc.assert(
        fc.asyncProperty(
          bytes,
          fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 4 }),
          async (content, sizes) => {
            fc.pre(!content.includes(`--${boundary}`));
            deepEqual(await read(related(content, end, boundary), sizes, type), {
              metadata: '{"name":"a"}',
              content,
            });
          },
        ),
        { numRuns: 200 },
      );
    });
  }

  it('is refused where it is cut off anywhere before its end', async () => {
    const whole = related(Buffer.from('content'), '\r\n', 'b');
    for (let length = 0; length < whole.length - '--\r\n'.length; length++) {
      await rejects(read(whole.subarray(0, length), [7], 'multipart/related; boundary=b'), {
        code: 'INVALID_ARGUMENT',
      });
    }
    equal((await read(whole, [7], 'multipart/related; boundary=b')).content.toString(), 'content');
  });

  it('is refused without a boundary, and with metadata that does not end', async () => {
    await rejects(read(Buffer.alloc(10), [], 'multipart/related'), /names no boundary/);
    const endless = Buffer.concat([Buffer.from('--b\n\n\n'), Buffer.alloc(1 << 20, 'x')]);
    await rejects(read(endless, [1000], 'multipart/related; boundary=b'), /too long a head/);
  });
});
