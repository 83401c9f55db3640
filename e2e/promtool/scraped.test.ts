import { deepEqual } from 'node:assert/strict';
import { inputOf } from './scraped.ts';

const BEFORE = `# HELP homerun_reconciles_total x
# TYPE homerun_reconciles_total counter
homerun_reconciles_total{controller="a",result="error"} 2
# TYPE homerun_workqueue_depth gauge
homerun_workqueue_depth{name="a"} 1
# TYPE homerun_gateway_faults_total counter
homerun_gateway_faults_total 0
`;
const AFTER = `# TYPE homerun_reconciles_total counter
homerun_reconciles_total{controller="a",result="error"} 7
homerun_reconciles_total{controller="b",result="error"} 1
# TYPE homerun_workqueue_depth gauge
homerun_workqueue_depth{name="a"} 3
# TYPE homerun_gateway_faults_total counter
homerun_gateway_faults_total 0
# TYPE homerun_leader gauge
homerun_leader{name="x"} NaN
# TYPE homerun_node_addresses_total counter
homerun_node_addresses_total 9
`;

describe('scraped series', () => {
  it('go on as they went between two scrapes, for what alerts read and is a number', () => {
    deepEqual(inputOf({ at: 0, text: BEFORE }, { at: 10_000, text: AFTER }, 'p'), {
      'homerun_reconciles_total{controller="a",result="error",pod="p"}': '2x10 32+30x60',
      'homerun_reconciles_total{controller="b",result="error",pod="p"}': '0x10 6+6x60',
      'homerun_workqueue_depth{name="a",pod="p"}': '1x10 3x60',
      'homerun_gateway_faults_total{pod="p"}': '0x10 0+0x60',
    });
  });
});
