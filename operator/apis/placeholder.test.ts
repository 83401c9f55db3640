import assert from 'node:assert/strict';
import { capitalsIn, placeholderIn } from './placeholder.ts';

const BRACES = `$\{PROJECT_ID}`;

const CASES: Record<string, [placeholder: string | undefined, capitals: string | undefined]> = {
  'sa@${PROJECT_ID}.iam.gserviceaccount.com': [BRACES, BRACES],
  'gcr.io/$PROJECT/x': ['$PROJECT', '$PROJECT'],
  'gcr.io/{{ .Values.project }}/x': ['{{ .Values.project }}', '{{ .Values.project }}'],
  '%SERVICE_NAME%': ['%SERVICE_NAME%', '%SERVICE_NAME%'],
  'gcr.io/<your-project>/x': ['<your-project>', '<your-project>'],
  'gcr.io/PROJECT_ID/x': [undefined, 'PROJECT_ID'],
  'REGION-docker.pkg.dev/p/r/x': [undefined, undefined],
  'gcr.io/p/App': [undefined, undefined],
  'gcr.io/p/app': [undefined, undefined],
};

describe('placeholders', () => {
  for (const [text, [placeholder, capitals]] of Object.entries(CASES)) {
    it(`finds ${placeholder ?? 'none'} in ${text}`, () => {
      assert.equal(placeholderIn(text), placeholder);
      assert.equal(capitalsIn(text), capitals);
    });
  }
});
