import { Counter, Gauge } from '../prometheus.ts';
import { registers } from './registry.ts';

// The node role.

export const nodeWatching = new Gauge({
  name: 'homerun_node_watching',
  help: "1 while the results of this node's network plugins are watched; 0 where they cannot be, and in other roles",
  registers,
});

export const nodeAddresses = new Counter({
  name: 'homerun_node_addresses_total',
  help: 'Addresses of new pods that were sent to the gateways',
  registers,
});

export const nodeMessages = new Counter({
  name: 'homerun_node_messages_total',
  help: 'Messages to gateways by outcome: accepted; rejected; failed, when there was no answer or no gateway was found',
  labelNames: ['outcome'],
  registers,
});
