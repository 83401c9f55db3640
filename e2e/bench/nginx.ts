import { execFileSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from '../../operator/testing/freePort.ts';
import { Server } from './servers.ts';

const PROGRAMS = fileURLToPath(new URL('./programs', import.meta.url));

/**
 * nginx with one worker before a backend, on one processor. It does what the gateway does: connections to the backend are
 * kept and used again, and the headers say whom it forwards for. Bodies never go to its disk.
 */
export async function startNginx(cpu: number | undefined, backend: number): Promise<Server> {
  const program = execFileSync(PROGRAMS, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }).trim();
  const folder = mkdtempSync(join(tmpdir(), 'homerun-nginx-'));
  const port = await freePort();
  const file = join(folder, 'nginx.conf');
  writeFileSync(file, configuration(folder, port, backend));
  return Server.spawn(port, cpu, [program, '-e', 'stderr', '-p', folder, '-c', file]);
}

function configuration(folder: string, port: number, backend: number): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${folder}/${name};`,
  );
  return `
daemon off;
master_process off;
pid ${folder}/pid;
error_log stderr crit;
events { worker_connections 4096; }
http {
  access_log off;
  ${temporary.join('\n  ')}
  keepalive_requests 1000000000;
  client_max_body_size 0;
  upstream backend {
    server 127.0.0.1:${backend};
    keepalive 128;
    keepalive_requests 1000000000;
  }
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location / {
      proxy_pass http://backend;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_max_temp_file_size 0;
    }
  }
}
`;
}
