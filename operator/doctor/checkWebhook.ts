import { checkRole } from './checkRoles.ts';
import type { CertificateFacts, ConfigurationFacts, Facts, Found } from './facts.ts';
import { type Finding, knownOr, type Problem } from './finding.ts';

const DAY_MS = 86_400_000;
/** It is renewed a month before it expires. */
const SOON_DAYS = 14;
const RENEW =
  'Deleting the Secret homerun-webhook-cert makes a new one; the log of the webhook says why it was not renewed.';

/** Whether admission works: without it nothing of Homerun can be created or changed. Pure. */
export function checkWebhook(facts: Facts): Finding[] {
  const { configurations, call, certificate } = facts.webhook;
  const problems = [
    ...problemsOf(configurations, (found) => found.flatMap(configurationProblems)),
    ...problemsOf(call, (said) => callProblems(said, facts.namespace)),
    ...problemsOf(certificate, (found) => certificateProblems(found, facts.now)),
  ];
  const until = 'found' in certificate ? day(certificate.found.expiresAt) : '';
  return checkRole(
    facts,
    'webhook',
    `the API server reaches it; its certificate is valid until ${until}`,
    problems,
  );
}

/** The problems of what is known; that it is not known is one. */
function problemsOf<T>(known: Found<T>, judge: (found: T) => Problem[]): Problem[] {
  if ('found' in known) return judge(known.found);
  return knownOr('', known, () => []).map(({ found, act = '' }) => ({ state: 'warning', found, act }));
}

function configurationProblems(facts: ConfigurationFacts): Problem[] {
  const { kind, name, optional, exists, hasAuthorities } = facts;
  const state = optional ? 'warning' : 'failed';
  if (!exists) {
    const effect = optional
      ? 'the controller fills in executions, and their errors show in their status alone'
      : 'objects are stored without defaults or validation';
    const found = `there is no ${kind} ${name}: ${effect}`;
    return [{ state, found, act: 'Make it again: helm upgrade homerun charts/homerun.' }];
  }
  if (hasAuthorities) return [];
  const found = `${kind} ${name} has no caBundle: API servers cannot call the webhook`;
  return [{ state, found, act: 'The webhook writes it: its log says why it could not.' }];
}

function callProblems(said: string | undefined, namespace: string): Problem[] {
  if (said === undefined) return [];
  const act = `Look at the pods of -l app.kubernetes.io/component=webhook in ${namespace}, and at network policies and firewalls between API servers and their port 8443.`;
  return [{ state: 'failed', found: `the API server does not reach it: ${said}`, act }];
}

function certificateProblems({ expiresAt, trusted }: CertificateFacts, now: number): Problem[] {
  const days = Math.floor((expiresAt - now) / DAY_MS);
  if (expiresAt <= now)
    return [{ state: 'failed', found: `its certificate expired on ${day(expiresAt)}`, act: RENEW }];
  if (!trusted) return [{ state: 'failed', found: 'API servers do not trust its certificate', act: RENEW }];
  if (days >= SOON_DAYS) return [];
  return [{ state: 'warning', found: `its certificate expires in ${days} days`, act: RENEW }];
}

function day(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}
