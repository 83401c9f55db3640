import assert from 'node:assert/strict';
import { once } from 'node:events';
import * as grpc from '@grpc/grpc-js';
import { until } from '../../testing/until.ts';
import { Harness } from '../testing/harness.ts';

const bytes = {
  requestSerialize: (b: Buffer) => b,
  requestDeserialize: (b: Buffer) => b,
  responseSerialize: (b: Buffer) => b,
  responseDeserialize: (b: Buffer) => b,
};
const SERVICE: grpc.ServiceDefinition = {
  unary: { path: '/test.Echo/Unary', requestStream: false, responseStream: false, ...bytes },
  fail: { path: '/test.Echo/Fail', requestStream: false, responseStream: false, ...bytes },
  upload: { path: '/test.Echo/Upload', requestStream: true, responseStream: false, ...bytes },
  download: { path: '/test.Echo/Download', requestStream: false, responseStream: true, ...bytes },
  chat: { path: '/test.Echo/Chat', requestStream: true, responseStream: true, ...bytes },
  hang: { path: '/test.Echo/Hang', requestStream: false, responseStream: false, ...bytes },
  missing: { path: '/test.Echo/Missing', requestStream: false, responseStream: false, ...bytes },
};

/** gRPC, Interoperability Test Case Descriptions, special_status_message. */
const SPECIAL = '\t\ntest with whitespace\r\nand Unicode BMP \u263a and non-BMP \u{1f608}\t\n';

interface Stub extends grpc.Client {
  unary(
    b: Buffer,
    m: grpc.Metadata,
    done: (error: grpc.ServiceError | null, b?: Buffer) => void,
  ): grpc.ClientUnaryCall;
  fail(b: Buffer, done: (error: grpc.ServiceError | null) => void): grpc.ClientUnaryCall;
  upload(done: (error: grpc.ServiceError | null, b?: Buffer) => void): grpc.ClientWritableStream<Buffer>;
  download(b: Buffer): grpc.ClientReadableStream<Buffer>;
  chat(): grpc.ClientDuplexStream<Buffer, Buffer>;
  hang(b: Buffer, o: grpc.CallOptions, done: (error: grpc.ServiceError | null) => void): grpc.ClientUnaryCall;
  missing(b: Buffer, done: (error: grpc.ServiceError | null) => void): grpc.ClientUnaryCall;
}

/** A real gRPC client and server with the gateway between them. */
describe('gateway and gRPC', () => {
  let harness: Harness;
  let server: grpc.Server;
  let stub: Stub;
  let cancelled = 0;
  const onCancelled = () => {
    cancelled++;
  };

  beforeEach(() => {
    cancelled = 0;
  });

  before(async () => {
    server = new grpc.Server();
    server.addService(SERVICE, {
      unary: (call: grpc.ServerUnaryCall<Buffer, Buffer>, done: grpc.sendUnaryData<Buffer>) => {
        const initial = new grpc.Metadata();
        for (const value of call.metadata.get('x-initial')) initial.add('x-initial', value);
        call.sendMetadata(initial);
        const trailer = new grpc.Metadata();
        for (const value of call.metadata.get('x-trailing-bin')) trailer.add('x-trailing-bin', value);
        trailer.set('x-sum', String(call.request.length));
        done(null, call.request, trailer);
      },
      fail: (call: grpc.ServerUnaryCall<Buffer, Buffer>, done: grpc.sendUnaryData<Buffer>) =>
        done({ code: grpc.status.NOT_FOUND, details: String(call.request) }),
      upload: (call: grpc.ServerReadableStream<Buffer, Buffer>, done: grpc.sendUnaryData<Buffer>) => {
        let length = 0;
        call.on('cancelled', onCancelled);
        call.on('data', (part: Buffer) => {
          length += part.length;
        });
        call.on('end', () => done(null, Buffer.from(String(length))));
      },
      download: (call: grpc.ServerWritableStream<Buffer, Buffer>) => {
        for (let i = 0; i < 10; i++) call.write(Buffer.from(String(i)));
        call.end();
      },
      chat: (call: grpc.ServerDuplexStream<Buffer, Buffer>) => {
        call.on('cancelled', onCancelled);
        call.on('data', (part: Buffer) => call.write(Buffer.concat([Buffer.from('re: '), part])));
        call.on('end', () => call.end());
      },
      hang: (call: grpc.ServerUnaryCall<Buffer, Buffer>) => {
        call.on('cancelled', onCancelled);
      },
    });
    const port = await new Promise<number>((resolve, reject) => {
      server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, bound) =>
        error ? reject(error) : resolve(bound),
      );
    });
    harness = await new Harness().listen();
    harness.serve('grpc.test', { protocol: 'h2c', ports: [port] });
    const Client = grpc.makeGenericClientConstructor(SERVICE, 'Echo');
    stub = new Client(`127.0.0.1:${harness.port}`, grpc.credentials.createInsecure(), {
      'grpc.default_authority': 'grpc.test',
    }) as unknown as Stub;
  });

  after(async () => {
    stub.close();
    await harness.close();
    server.forceShutdown();
  });

  const unary = (message: Buffer, metadata = new grpc.Metadata()) =>
    new Promise<{ answer: Buffer; initial: grpc.Metadata; trailing: grpc.Metadata }>((resolve, reject) => {
      let initial = new grpc.Metadata();
      let answer: Buffer | undefined;
      const call = stub.unary(message, metadata, (error, b) => {
        if (error) reject(error);
        else answer = b;
      });
      call.on('metadata', (received) => {
        initial = received;
      });
      call.on('status', (status) => {
        if (answer) resolve({ answer, initial, trailing: status.metadata });
      });
    });

  it('unary call, with trailing metadata', async () => {
    const { answer, trailing } = await unary(Buffer.from('hi'));
    assert.equal(answer.toString(), 'hi');
    assert.deepEqual(trailing.get('x-sum'), ['2']);
  });

  it('metadata of text and of bytes, several of a name, in both directions', async () => {
    const metadata = new grpc.Metadata();
    const values = [Buffer.from([0xab, 0xab, 0xab, 0, 0xff]), Buffer.from('b')];
    for (const value of values) metadata.add('x-trailing-bin', value);
    for (const value of ['one', 'two']) metadata.add('x-initial', value);
    const { initial, trailing } = await unary(Buffer.from('hi'), metadata);
    assert.deepEqual(initial.get('x-initial').join(', '), 'one, two');
    assert.deepEqual(trailing.get('x-trailing-bin'), values);
  });

  it('a message of 2 MB', async () => {
    const message = Buffer.alloc(2 * 1024 * 1024, 'm');
    assert.ok((await unary(message)).answer.equals(message));
  });

  for (const [name, message] of Object.entries({ 'a message': 'nope', 'a special message': SPECIAL })) {
    it(`an error status with ${name}, which has trailers only`, async () => {
      const error = await new Promise<grpc.ServiceError | null>((resolve) =>
        stub.fail(Buffer.from(message), resolve),
      );
      assert.equal(error?.code, grpc.status.NOT_FOUND);
      assert.equal(error?.details, message);
    });
  }

  it('a method that the program does not have', async () => {
    const error = await new Promise<grpc.ServiceError | null>((resolve) =>
      stub.missing(Buffer.from('x'), resolve),
    );
    assert.equal(error?.code, grpc.status.UNIMPLEMENTED);
    assert.match(error?.details ?? '', /does not implement/);
  });

  it('client streaming', async () => {
    const length = await new Promise<string>((resolve, reject) => {
      const call = stub.upload((error, b) => (error ? reject(error) : resolve(String(b))));
      for (let i = 0; i < 100; i++) call.write(Buffer.alloc(10_000));
      call.end();
    });
    assert.equal(length, '1000000');
  });

  it('server streaming', async () => {
    const parts: string[] = [];
    for await (const part of stub.download(Buffer.from('x'))) parts.push(String(part));
    assert.equal(parts.join(''), '0123456789');
  });

  it('both directions, message by message', async () => {
    const call = stub.chat();
    for (const word of ['a', 'b', 'c']) {
      call.write(Buffer.from(word));
      assert.deepEqual(String((await once(call, 'data'))[0]), `re: ${word}`);
    }
    const status = once(call, 'status');
    call.end();
    call.resume();
    assert.equal(((await status) as [grpc.StatusObject])[0].code, grpc.status.OK);
  });

  it('both directions, without a message', async () => {
    const call = stub.chat();
    const messages: unknown[] = [];
    call.on('data', (part) => messages.push(part));
    call.end();
    const [status] = (await once(call, 'status')) as [grpc.StatusObject];
    assert.deepEqual([status.code, messages], [grpc.status.OK, []]);
  });

  it('a call that its client cancels before its first message', async () => {
    const error = await new Promise<grpc.ServiceError | null>((resolve) => {
      stub.upload(resolve).cancel();
    });
    assert.equal(error?.code, grpc.status.CANCELLED);
  });

  it('a call that its client cancels after the first response is cancelled in the instance', async () => {
    const call = stub.chat();
    call.write(Buffer.from('a'));
    await once(call, 'data');
    const error = once(call, 'error');
    call.cancel();
    assert.equal(((await error) as [grpc.ServiceError])[0].code, grpc.status.CANCELLED);
    await until('the instance knows', () => cancelled === 1);
  });

  it('a call that misses its deadline is cancelled in the instance', async () => {
    const error = await new Promise<grpc.ServiceError | null>((resolve) =>
      stub.hang(Buffer.from('x'), { deadline: Date.now() + 300 }, resolve),
    );
    assert.equal(error?.code, grpc.status.DEADLINE_EXCEEDED);
    await until('the instance knows', () => cancelled === 1);
  });

  it('an unknown host is an error, not a hang', async () => {
    const Client = grpc.makeGenericClientConstructor(SERVICE, 'Echo');
    const lost = new Client(`127.0.0.1:${harness.port}`, grpc.credentials.createInsecure(), {
      'grpc.default_authority': 'none.test',
    }) as unknown as Stub;
    const error = await new Promise<grpc.ServiceError | null>((resolve) =>
      lost.fail(Buffer.from('x'), resolve),
    );
    assert.equal(error?.code, grpc.status.UNIMPLEMENTED);
    lost.close();
  });
});
