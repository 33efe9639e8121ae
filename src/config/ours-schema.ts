import { z } from 'zod'

const labels = z.record(z.string().min(1), z.string())

/** A value that is never shown: as it is, or where it stands. */
const secretSchema = z
  .strictObject({
    value: z.string().min(1).optional(),
    env: z.string().min(1).optional(),
    file: z.string().min(1).optional(),
  })
  .refine(
    (given) => Object.values(given).filter((each) => each !== undefined).length === 1,
    'one of value, env (a variable) and file',
  )

/** What our own namespaces and pods need on a cluster that is strict. */
export const oursSchema = z.strictObject({
  labels: labels.default({}).describe('labels of every object that we make, pods included'),
  annotations: labels.default({}).describe('annotations of every object that we make, pods included'),
  namespaceLabels: labels.default({}).describe('labels of our namespaces alone'),
  namespaceAnnotations: labels.default({}).describe('annotations of our namespaces alone'),
  pullSecrets: z
    .array(z.string().regex(/^[a-z0-9-]+\/[a-z0-9.-]+$/, 'NAMESPACE/NAME of a Secret'))
    .default([])
    .describe('Secrets by which our images are pulled, NAMESPACE/NAME each: they are copied into our namespaces'),
  registry: z
    .string()
    .regex(/^[a-z0-9.-]+(:\d+)?(\/[a-z0-9._/-]+)?$/, 'HOST or HOST/PATH of a registry')
    .optional()
    .describe('the registry from which our images are pulled, instead of their own: HOST or HOST/PATH'),
  headers: z
    .record(z.string().regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/, 'the name of a header'), secretSchema)
    .default({})
    .describe('headers that each of our requests through the gateway carries, as a login there wants; never shown'),
})
