import { keepStored } from '../../keepStored.ts';
import { keepStoredTemplate } from '../configuration/defaults.ts';
import { defaultServiceTraffic } from '../traffic/defaults.ts';
import type { Service } from './types.ts';

/** A service with its defaults set. Pure and idempotent. */
export function defaultService(service: Service, previous?: Service): Service {
  const { spec, metadata } = service;
  const template = keepStoredTemplate(spec.template, previous?.spec.template, metadata.name);
  const traffic = keepStored(spec.traffic, previous?.spec.traffic, defaultServiceTraffic, previous);
  return { ...service, spec: { ...spec, template, traffic } };
}
