import { defaultTemplate } from '../configuration/defaults.ts';
import { defaultServiceTraffic } from '../traffic/defaults.ts';
import type { Service } from './types.ts';

/** A service with its defaults filled in. Pure; applying it again changes nothing. */
export function defaultService(service: Service): Service {
  const { spec, metadata } = service;
  return {
    ...service,
    spec: {
      ...spec,
      template: defaultTemplate(spec.template, metadata.name),
      traffic: defaultServiceTraffic(spec.traffic),
    },
  };
}
