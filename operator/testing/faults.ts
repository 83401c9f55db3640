/** What a test can make a data thread do. */
export type Fault = 'throw' | 'reject' | 'exit' | 'memory' | 'spin' | 'block' | 'unreadable' | 'linger';

export const FAULT_CHANNEL = 'homerun-test-faults';
/** The number of the thread that it is for, and the fault; the thread sends it back before it does it. */
export type FaultMessage = [thread: number, fault: Fault];
