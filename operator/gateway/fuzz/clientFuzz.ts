import type { Fuzzer } from './runner.ts';
export const clientFuzzer: Fuzzer = { name: 'client', open: () => Promise.reject(new Error('later')) };
