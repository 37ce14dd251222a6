const fs=require('fs');const tf=require('@tensorflow/tfjs');require('@tensorflow/tfjs-backend-wasm');
const wasm=require('@tensorflow/tfjs-backend-wasm');
wasm.setWasmPaths(__dirname+'/node_modules/@tensorflow/tfjs-backend-wasm/dist/');
const faceapi=require('@vladmandic/face-api/dist/face-api.node-wasm.js');
(async()=>{await tf.setBackend('wasm');await tf.ready();
 const M=__dirname+'/node_modules/@vladmandic/face-api/model';
 await faceapi.nets.ageGenderNet.loadFromDisk(M);await faceapi.nets.faceExpressionNet.loadFromDisk(M);
 const f=process.argv[2],o=process.argv[3];const buf=fs.readFileSync(f);const n=buf.length/(112*112*3);const out=[];
 for(let i=0;i<n;i++){const t=tf.tensor3d(new Int32Array(buf.subarray(i*112*112*3,(i+1)*112*112*3)),[112,112,3],'int32');
  const a=await faceapi.nets.ageGenderNet.predictAgeAndGender(t);const e=await faceapi.nets.faceExpressionNet.predictExpressions(t);
  out.push([a.age,a.gender==='female'?a.genderProbability:1-a.genderProbability,e.happy,e.neutral,e.surprised]);t.dispose();
  if(i%200===0)console.log(i,out[i]);}
 fs.writeFileSync(o,JSON.stringify(out));})();
