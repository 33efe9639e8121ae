import { shape } from '../src/shapes/shape.ts'

shape('istiod-revision', {
  healthy: 'istiod has a revision that the tag default points at, and one a minor older stands beside for some teams',
  onTwin: {
    layout: {
      istiods: [
        { revision: '1-31', tags: ['default'] },
        { revision: '1-30', version: '1.30.2' },
      ],
      gateways: [{ revision: '1-31' }],
    },
  },
  onKind: { cannot: 'the images of an older istiod are on no node' },
})
