/** What a test can make a data thread do. */
export type Fault = 'throw' | 'reject' | 'exit' | 'memory' | 'spin' | 'unreadable';

export const FAULT_CHANNEL = 'homerun-test-faults';
/** The number of the thread that it is for, and the fault. */
export type FaultMessage = [thread: number, fault: Fault];
