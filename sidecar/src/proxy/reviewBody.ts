import { parse as parseYaml } from 'yaml';
import { CodedError } from '../foundation/errors.ts';
import { isRecord, type UnknownRecord } from '../foundation/unknownValue.ts';
import { collectBytes, type ProtobufFields, readProtobufFields } from './protobufFields.ts';

/** What says what is asked, by its field numbers in `authorization.k8s.io/v1`. */
export const accessReviewFields: ProtobufFields = {
  spec: {
    number: 2,
    fields: {
      resourceAttributes: {
        number: 1,
        fields: {
          namespace: { number: 1 },
          verb: { number: 2 },
          group: { number: 3 },
          version: { number: 4 },
          resource: { number: 5 },
          subresource: { number: 6 },
          name: { number: 7 },
        },
      },
      nonResourceAttributes: { number: 2, fields: { path: { number: 1 }, verb: { number: 2 } } },
    },
  },
};
export const rulesReviewFields: ProtobufFields = {
  spec: { number: 2, fields: { namespace: { number: 1 } } },
};

/**
 * A review about oneself in whichever form an API server takes one: `kubectl auth can-i` and other clients of client-go
 * send protobuf. What is not understood here is not sent on, since the cluster would answer it.
 * @throws CodedError `media-type-refused`, `body-invalid`
 */
export function decodeReview(
  body: Buffer,
  contentType: string | undefined,
  fields: ProtobufFields,
): UnknownRecord {
  const decode = decoderFor(contentType);
  let review: unknown;
  try {
    review = decode(body, fields);
  } catch (cause) {
    throw new CodedError('body-invalid', undefined, { cause });
  }
  if (!isRecord(review)) throw new CodedError('body-invalid');
  return review;
}

type Decoder = (body: Buffer, fields: ProtobufFields) => unknown;

const decoders: ReadonlyMap<string, Decoder> = new Map<string, Decoder>([
  // Without a type it is taken for JSON.
  ['', (body) => JSON.parse(body.toString('utf8')) as unknown],
  ['application/json', (body) => JSON.parse(body.toString('utf8')) as unknown],
  // API servers read YAML 1.1.
  ['application/yaml', (body) => parseYaml(body.toString('utf8'), { version: '1.1' }) as unknown],
  ['application/vnd.kubernetes.protobuf', decodeProtobuf],
]);

function decoderFor(contentType: string | undefined): Decoder {
  const type = contentType?.split(';', 1)[0]?.trim().toLowerCase() ?? '';
  const decoder = decoders.get(type);
  if (decoder === undefined) throw new CodedError('media-type-refused');
  return decoder;
}

const envelopePrefix = Buffer.from('k8s\0');

/** The envelope is a `runtime.Unknown`: what it is, and the object itself as bytes. */
function decodeProtobuf(body: Buffer, fields: ProtobufFields): UnknownRecord {
  if (!body.subarray(0, envelopePrefix.length).equals(envelopePrefix)) throw new Error('no envelope');
  const envelope = body.subarray(envelopePrefix.length);
  const { type, contentEncoding } = readProtobufFields(envelope, {
    type: { number: 1, fields: { apiVersion: { number: 1 }, kind: { number: 2 } } },
    contentEncoding: { number: 3 },
  });
  if (contentEncoding !== undefined && contentEncoding !== '') throw new Error('an encoded object');
  const raw = collectBytes(envelope).get(2)?.at(-1);
  return { ...(isRecord(type) ? type : {}), ...readProtobufFields(raw ?? Buffer.alloc(0), fields) };
}
